// A table of 2 words; read within a clock.
module circuit_folded_dense__weights (
    input wire clk,
    input wire [0:0] address,
    output reg [23:0] word
);
    // verilator no_inline_module
    reg [23:0] words [0:1];
    always @(posedge clk) word <= words[address];
    initial begin
        words[0] = 24'h14d3ef;
        words[1] = 24'h414222;
    end
endmodule
