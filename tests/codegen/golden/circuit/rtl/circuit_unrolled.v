// unrolled (Dense): Dense
// weight: fixed<4,2>
// bias: ufixed<1,1>
// no multiplier: 4 shared adders, 41 full adders, 2 levels
// x: 3 x ufixed<8,4>; y: 2 x fixed<5,2,RND,SAT>; of each word the first element is in the lowest bits
// latency 3 clocks from start to done, interval 1
// A name that ends with __n is the signal before these lines, n clocks behind start.
module circuit_unrolled (
    input wire clk,
    input wire rst,
    input wire start,
    input wire [23:0] x,
    output wire done,
    output wire [9:0] y
);
    // where results of words are: bit n is that of clock n + 1
    reg [2:0] valid;
    always @(posedge clk) begin
        if (rst) valid <= 3'd0;
        else valid <= {valid[1:0], start};
    end
    assign done = valid[2];

    // clock 0
    wire [7:0] x0 = x[7:0];
    wire [7:0] x1 = x[15:8];
    wire [7:0] x2 = x[23:16];
    wire signed [8:0] shared = $signed({1'b0, x0}) - $signed({1'b0, x1});
    wire signed [11:0] sum0 = (shared <<< 2) - $signed({1'b0, x2});
    wire signed [9:0] sum1 = ($signed({1'b0, x2}) <<< 1) - $signed({1'b0, x1});
    wire signed [11:0] sum1_1 = sum1 - (shared <<< 2);
    wire signed [11:0] biased = sum1_1 + 8'sd64;
    wire signed [8:0] floor = sum0[11:3];
    wire [2:0] rest = sum0[2:0];
    wire up = rest >= 3'd5;
    wire up_1 = rest >= 3'd4;
    wire negative = sum0[11:11];
    wire signed [8:0] floor_1 = biased[11:3];
    wire [2:0] rest_1 = biased[2:0];
    wire negative_1 = biased[11:11];
    // clock 1
    reg signed [8:0] floor__1;
    reg up_1__1;
    reg [2:0] rest_1__1;
    reg signed [8:0] floor_1__1;
    always @(posedge clk) begin
        floor__1 <= floor;
        up_1__1 <= up_1;
        rest_1__1 <= rest_1;
        floor_1__1 <= floor_1;
    end
    wire signed [8:0] rounded = floor__1 + $signed({1'b0, up_1__1});
    wire above = rounded >= 6'sd16;
    wire not_below = rounded >= -6'sd16;
    wire inverted = ~not_below;
    wire signed [8:0] limited = above ? 5'sd15 : rounded;
    wire up_2 = rest_1__1 >= 3'd5;
    wire up_3 = rest_1__1 >= 3'd4;
    wire signed [8:0] rounded_1 = floor_1__1 + $signed({1'b0, up_3});
    wire above_1 = rounded_1 >= 6'sd16;
    wire not_below_1 = rounded_1 >= -6'sd16;
    wire inverted_1 = ~not_below_1;
    // clock 2
    reg inverted__2;
    reg signed [8:0] limited__2;
    reg above_1__2;
    reg signed [8:0] rounded_1__2;
    reg inverted_1__2;
    always @(posedge clk) begin
        inverted__2 <= inverted;
        limited__2 <= limited;
        above_1__2 <= above_1;
        rounded_1__2 <= rounded_1;
        inverted_1__2 <= inverted_1;
    end
    wire signed [8:0] limited_1 = inverted__2 ? -6'sd16 : limited__2;
    wire signed [4:0] narrowed = limited_1[4:0];
    wire signed [8:0] limited_2 = above_1__2 ? 5'sd15 : rounded_1__2;
    wire signed [8:0] limited_3 = inverted_1__2 ? -6'sd16 : limited_2;
    wire signed [4:0] narrowed_1 = limited_3[4:0];
    // clock 3
    reg signed [4:0] narrowed__3;
    reg signed [4:0] narrowed_1__3;
    always @(posedge clk) begin
        narrowed__3 <= narrowed;
        narrowed_1__3 <= narrowed_1;
    end

    assign y = {
        narrowed_1__3, narrowed__3
    };
endmodule
