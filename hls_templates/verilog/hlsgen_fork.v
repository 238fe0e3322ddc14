// Offers each word to several readers, and takes the next when all of them have it.
module hlsgen_fork #(
    parameter READERS = 2
) (
    input wire clk,
    input wire rst,
    input wire in_valid,
    output wire in_ready,
    output wire [READERS-1:0] out_valid,
    input wire [READERS-1:0] out_ready
);
    reg [READERS-1:0] served;
    wire [READERS-1:0] served_then = served | (out_valid & out_ready);
    assign out_valid = {READERS{in_valid}} & ~served;
    assign in_ready = &(served | out_ready);
    always @(posedge clk) begin
        if (rst || (in_valid && in_ready)) served <= {READERS{1'b0}};
        else served <= served_then;
    end
endmodule
