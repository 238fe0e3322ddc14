// folded (Dense): Dense
// weight: fixed<4,2>
// bias: ufixed<3,1>
// x: 4 x fixed<5,3,RND,SAT>; y: 3 x ufixed<8,4,TRN,SAT>; of each word the first element is in the lowest bits
// latency 7 clocks from start to done, interval 2
// 6 multipliers: 2 inputs of 3 outputs a clock; the inputs in 2 steps, the outputs in 1.
// A name that ends with __n is the signal before these lines, n clocks later.
module circuit_folded_dense (
    input wire clk,
    input wire rst,
    input wire start,
    input wire [19:0] x,
    output wire done,
    output reg [23:0] y
);
    // the step that is under way, and which of a sum's it is
    reg busy;
    reg [0:0] step;
    reg [0:0] fold;
    wire last_fold = fold == 1'd1;
    wire [0:0] next_step = start ? 1'd0 : step + 1'd1;
    always @(posedge clk) begin
        if (rst) busy <= 1'b0;
        else if (start) busy <= 1'b1;
        else if (step == 1'd1) busy <= 1'b0;
        step <= next_step;
        fold <= start || last_fold ? 1'd0 : fold + 1'd1;
    end

    // the inputs go past the multipliers, which read the lowest
    reg [19:0] inputs;
    always @(posedge clk) inputs <= start ? x : {inputs[9:0], inputs[19:10]};
    wire [9:0] taken = inputs[9:0];
    wire [23:0] weights;
    circuit_folded_dense__weights weights_rom (.clk(clk), .address(next_step), .word(weights));

    // products, and what they add to each sum
    // clock 0
    wire signed [4:0] x0 = taken[4:0];
    wire signed [4:0] x1 = taken[9:5];
    wire signed [3:0] w0 = weights[3:0];
    wire signed [3:0] w1 = weights[7:4];
    wire signed [3:0] w2 = weights[11:8];
    wire signed [3:0] w3 = weights[15:12];
    wire signed [3:0] w4 = weights[19:16];
    wire signed [3:0] w5 = weights[23:20];
    wire signed [8:0] product = x0 * w0;
    wire signed [8:0] product_1 = x1 * w1;
    wire signed [8:0] product_2 = x0 * w2;
    wire signed [8:0] product_3 = x1 * w3;
    wire signed [8:0] product_4 = x0 * w4;
    wire signed [8:0] product_5 = x1 * w5;
    // clock 1
    reg signed [8:0] product__1;
    reg signed [8:0] product_1__1;
    reg signed [8:0] product_2__1;
    reg signed [8:0] product_3__1;
    reg signed [8:0] product_4__1;
    reg signed [8:0] product_5__1;
    always @(posedge clk) begin
        product__1 <= product;
        product_1__1 <= product_1;
        product_2__1 <= product_2;
        product_3__1 <= product_3;
        product_4__1 <= product_4;
        product_5__1 <= product_5;
    end
    wire signed [9:0] sum = product__1 + product_1__1;
    wire signed [9:0] sum_1 = product_2__1 + product_3__1;
    wire signed [9:0] sum_2 = product_4__1 + product_5__1;
    // clock 2
    reg signed [9:0] sum__2;
    reg signed [9:0] sum_1__2;
    reg signed [9:0] sum_2__2;
    always @(posedge clk) begin
        sum__2 <= sum;
        sum_1__2 <= sum_1;
        sum_2__2 <= sum_2;
    end

    // which of those are the first and the last of a sum, and the last of all
    reg [1:0] first, last, complete;
    always @(posedge clk) begin
        first <= {first[0:0], fold == 1'd0};
        if (rst) begin
            last <= 2'd0;
            complete <= 2'd0;
        end else begin
            last <= {last[0:0], busy && last_fold};
            complete <= {complete[0:0], busy && step == 1'd1};
        end
    end
    wire first_part = first[1];
    wire last_part = last[1];

    wire signed [8:0] bias0 = 9'd16;
    reg signed [8:0] total0;
    always @(posedge clk) total0 <= (first_part ? bias0 : total0) + $signed(sum__2[8:0]);
    wire signed [8:0] bias1 = 9'd12;
    reg signed [8:0] total1;
    always @(posedge clk) total1 <= (first_part ? bias1 : total1) + $signed(sum_1__2[8:0]);
    wire signed [8:0] bias2 = 9'd8;
    reg signed [8:0] total2;
    always @(posedge clk) total2 <= (first_part ? bias2 : total2) + $signed(sum_2__2[8:0]);

    // casts
    // clock 0
    wire not_below = total0 >= 2'sd0;
    wire inverted = ~not_below;
    wire signed [8:0] limited = inverted ? 2'sd0 : total0;
    wire [7:0] narrowed = limited[7:0];
    wire not_below_1 = total1 >= 2'sd0;
    wire inverted_1 = ~not_below_1;
    wire signed [8:0] limited_1 = inverted_1 ? 2'sd0 : total1;
    wire [7:0] narrowed_1 = limited_1[7:0];
    wire not_below_2 = total2 >= 2'sd0;
    wire inverted_2 = ~not_below_2;
    wire signed [8:0] limited_2 = inverted_2 ? 2'sd0 : total2;
    wire [7:0] narrowed_2 = limited_2[7:0];
    // clock 1
    reg [7:0] narrowed__1;
    reg [7:0] narrowed_1__1;
    reg [7:0] narrowed_2__1;
    always @(posedge clk) begin
        narrowed__1 <= narrowed;
        narrowed_1__1 <= narrowed_1;
        narrowed_2__1 <= narrowed_2;
    end

    // results are collected, the first in the lowest bits
    reg [1:0] given, whole;
    always @(posedge clk) begin
        if (rst) begin
            given <= 2'd0;
            whole <= 2'd0;
        end else begin
            given <= {given[0:0], last_part};
            whole <= {whole[0:0], complete[1]};
        end
    end
    reg is_done;
    always @(posedge clk) is_done <= !rst && whole[1];
    assign done = is_done;
    wire [23:0] results = {
        narrowed_2__1, narrowed_1__1, narrowed__1
    };
    always @(posedge clk)
        if (given[1]) y <= results;
endmodule
