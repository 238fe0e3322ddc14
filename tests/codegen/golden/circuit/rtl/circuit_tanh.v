// tanh (Activation): Table tanh over fixed<5,2>
// x: 2 x fixed<5,2,RND,SAT>; y: 2 x fixed<16,1>; of each word the first element is in the lowest bits
// latency 2 clocks from start to done, interval 1
module circuit_tanh (
    input wire clk,
    input wire rst,
    input wire start,
    input wire [9:0] x,
    output wire done,
    output wire [31:0] y
);
    // where results of words are: bit n is that of clock n + 1
    reg [1:0] valid;
    always @(posedge clk) begin
        if (rst) valid <= 2'd0;
        else valid <= {valid[0:0], start};
    end
    assign done = valid[1];

    genvar k;
    generate
        for (k = 0; k < 2; k = k + 1) begin : elements
            circuit_tanh__element element (
                .clk(clk),
                .x(x[k * 5 +: 5]),
                .y(y[k * 16 +: 16])
            );
        end
    endgenerate
endmodule
