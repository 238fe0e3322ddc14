// unrolled (Dense): Dense
// weight: fixed<4,2>
// bias: ufixed<1,1>
// x: 3 x ufixed<8,4>; y: 2 x fixed<5,2,RND,SAT>; of each word the first element is in the lowest bits
// latency 4 clocks from start to done, interval 1
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
    reg [3:0] valid;
    always @(posedge clk) begin
        if (rst) valid <= 4'd0;
        else valid <= {valid[2:0], start};
    end
    assign done = valid[3];

    // clock 0
    wire [7:0] x0 = x[7:0];
    wire [7:0] x1 = x[15:8];
    wire [7:0] x2 = x[23:16];
    wire [9:0] product0_of_x0 = x0 <<< 2;
    wire signed [10:0] product0_of_x1 = $signed({1'b0, x1}) * -4'sd4;
    wire signed [8:0] product0_of_x2 = $signed({1'b0, x2}) * -2'sd1;
    wire signed [10:0] sum0 = $signed({1'b0, product0_of_x0}) + product0_of_x1;
    wire signed [10:0] product1_of_x0 = $signed({1'b0, x0}) * -4'sd4;
    wire [9:0] product1_of_x1 = x1 * 2'd3;
    wire [8:0] product1_of_x2 = x2 <<< 1;
    wire signed [10:0] sum1 = product1_of_x0 + $signed({1'b0, product1_of_x1});
    // clock 1
    reg signed [10:0] sum0__1;
    reg signed [8:0] product0_of_x2__1;
    reg signed [10:0] sum1__1;
    reg [8:0] product1_of_x2__1;
    always @(posedge clk) begin
        sum0__1 <= sum0;
        product0_of_x2__1 <= product0_of_x2;
        sum1__1 <= sum1;
        product1_of_x2__1 <= product1_of_x2;
    end
    wire signed [11:0] sum0_1 = sum0__1 + product0_of_x2__1;
    wire signed [11:0] sum1_1 = sum1__1 + $signed({1'b0, product1_of_x2__1});
    wire signed [11:0] biased = sum1_1 + 8'sd64;
    wire signed [8:0] floor = sum0_1[11:3];
    wire [2:0] rest = sum0_1[2:0];
    wire up = rest >= 3'd4;
    wire signed [8:0] rounded = floor + $signed({1'b0, up});
    wire signed [8:0] floor_1 = biased[11:3];
    wire [2:0] rest_1 = biased[2:0];
    wire up_1 = rest_1 >= 3'd4;
    // clock 2
    reg signed [8:0] rounded__2;
    reg signed [8:0] floor_1__2;
    reg up_1__2;
    always @(posedge clk) begin
        rounded__2 <= rounded;
        floor_1__2 <= floor_1;
        up_1__2 <= up_1;
    end
    wire above = rounded__2 >= 6'sd16;
    wire not_below = rounded__2 >= -6'sd16;
    wire inverted = ~not_below;
    wire signed [8:0] limited = above ? 5'sd15 : rounded__2;
    wire signed [8:0] limited_1 = inverted ? -6'sd16 : limited;
    wire signed [4:0] narrowed = limited_1[4:0];
    wire signed [8:0] rounded_1 = floor_1__2 + $signed({1'b0, up_1__2});
    wire above_1 = rounded_1 >= 6'sd16;
    wire not_below_1 = rounded_1 >= -6'sd16;
    wire inverted_1 = ~not_below_1;
    wire signed [8:0] limited_2 = above_1 ? 5'sd15 : rounded_1;
    // clock 3
    reg inverted_1__3;
    reg signed [8:0] limited_2__3;
    reg signed [4:0] narrowed__3;
    always @(posedge clk) begin
        inverted_1__3 <= inverted_1;
        limited_2__3 <= limited_2;
        narrowed__3 <= narrowed;
    end
    wire signed [8:0] limited_3 = inverted_1__3 ? -6'sd16 : limited_2__3;
    wire signed [4:0] narrowed_1 = limited_3[4:0];
    // clock 4
    reg signed [4:0] narrowed__4;
    reg signed [4:0] narrowed_1__4;
    always @(posedge clk) begin
        narrowed__4 <= narrowed__3;
        narrowed_1__4 <= narrowed_1;
    end

    assign y = {
        narrowed_1__4, narrowed__4
    };
endmodule
