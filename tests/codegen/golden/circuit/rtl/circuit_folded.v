// folded (Dense): Relu
// x: 3 x ufixed<8,4,TRN,SAT>; y: 3 x ufixed<8,4>; of each word the first element is in the lowest bits
// latency 1 clocks from start to done, interval 1
module circuit_folded (
    input wire clk,
    input wire rst,
    input wire start,
    input wire [23:0] x,
    output wire done,
    output wire [23:0] y
);
    // where results of words are: bit n is that of clock n + 1
    reg [0:0] valid;
    always @(posedge clk) begin
        if (rst) valid <= 1'd0;
        else valid <= start;
    end
    assign done = valid[0];

    genvar k;
    generate
        for (k = 0; k < 3; k = k + 1) begin : elements
            circuit_folded__element element (
                .clk(clk),
                .x(x[k * 8 +: 8]),
                .y(y[k * 8 +: 8])
            );
        end
    endgenerate
endmodule
