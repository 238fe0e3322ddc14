// Holds words in their order. One comes out two clocks after it went in at the soonest: the memory is read by a clock,
// so that a deep one becomes block memory.
module hlsgen_fifo #(
    parameter WIDTH = 8,          // bits of a word
    parameter [31:0] DEPTH = 4,   // words that it holds
    parameter INDEX = 2,          // bits of a place
    parameter COUNT = 3           // bits of a number up to DEPTH
) (
    input wire clk,
    input wire rst,
    input wire [WIDTH-1:0] in_data,
    input wire in_valid,
    output wire in_ready,
    output wire [WIDTH-1:0] out_data,
    output wire out_valid,
    input wire out_ready
);
    localparam [31:0] DEPTH_LESS_1 = DEPTH - 1;
    localparam [COUNT-1:0] ALL = DEPTH[COUNT-1:0];
    localparam [COUNT-1:0] NONE = 0;
    localparam [INDEX-1:0] LAST = DEPTH_LESS_1[INDEX-1:0];
    localparam [INDEX-1:0] FIRST = 0;

    reg [WIDTH-1:0] words [0:DEPTH-1];
    reg [WIDTH-1:0] word;
    reg [INDEX-1:0] oldest, next;
    reg [COUNT-1:0] held;
    reg free, shown;
    wire takes = in_valid && in_ready;
    wire given = out_valid && out_ready;
    wire [INDEX-1:0] oldest_then = !given ? oldest : oldest == LAST ? FIRST : oldest + 1'b1;
    wire [COUNT-1:0] rest = given ? held - 1'b1 : held;
    wire [COUNT-1:0] held_then = takes ? rest + 1'b1 : rest;
    assign in_ready = free;
    assign out_valid = shown;
    assign out_data = word;
    always @(posedge clk) begin
        if (takes) words[next] <= in_data;
        word <= words[oldest_then];
        if (rst) begin
            oldest <= FIRST;
            next <= FIRST;
            held <= NONE;
            free <= 1'b0;
            shown <= 1'b0;
        end else begin
            oldest <= oldest_then;
            if (takes) next <= next == LAST ? FIRST : next + 1'b1;
            held <= held_then;
            free <= held_then != ALL;
            shown <= rest != NONE;
        end
    end
endmodule
