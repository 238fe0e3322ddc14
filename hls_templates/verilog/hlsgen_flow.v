// Starts a chain of cores, and holds its results until they are taken.
//
// A word is taken where there is a credit for it: room in the FIFO for its result. So cores never wait, and ready is a
// register of this module. A credit is there again in the clock after its result was given.
module hlsgen_flow #(
    parameter WIDTH = 8,             // bits of a result
    parameter [31:0] DEPTH = 4,      // results that the FIFO holds
    parameter [31:0] INTERVAL = 1,   // clocks from one start to the next
    parameter INDEX = 2,             // bits of a place in the FIFO
    parameter COUNT = 3,             // bits of a number up to DEPTH
    parameter WAIT = 1               // bits of a number below INTERVAL
) (
    input wire clk,
    input wire rst,
    input wire in_valid,
    output wire in_ready,
    output wire start,
    input wire done,
    input wire [WIDTH-1:0] result,
    output wire out_valid,
    input wire out_ready,
    output wire [WIDTH-1:0] out_data
);
    localparam [31:0] DEPTH_LESS_1 = DEPTH - 1;
    localparam [31:0] INTERVAL_LESS_1 = INTERVAL - 1;
    localparam [COUNT-1:0] ALL = DEPTH[COUNT-1:0];
    localparam [COUNT-1:0] NONE = 0;
    localparam [INDEX-1:0] LAST = DEPTH_LESS_1[INDEX-1:0];
    localparam [INDEX-1:0] FIRST = 0;
    localparam [WAIT-1:0] LONGEST = INTERVAL_LESS_1[WAIT-1:0];
    localparam [WAIT-1:0] OVER = 0;

    // when a word may come: with a credit, and an interval behind the last
    reg free;
    reg [COUNT-1:0] credits;
    reg [WAIT-1:0] waiting;
    wire given = out_valid && out_ready;
    wire [COUNT-1:0] credits_then = start == given ? credits : given ? credits + 1'b1 : credits - 1'b1;
    wire [WAIT-1:0] waiting_then = start ? LONGEST : waiting == OVER ? OVER : waiting - 1'b1;
    assign in_ready = free;
    assign start = free && in_valid;
    always @(posedge clk) begin
        if (rst) begin
            free <= 1'b0;
            credits <= ALL;
            waiting <= OVER;
        end else begin
            free <= credits_then != NONE && waiting_then == OVER;
            credits <= credits_then;
            waiting <= waiting_then;
        end
    end

    // the FIFO
    reg [WIDTH-1:0] results [0:DEPTH-1];
    reg [INDEX-1:0] oldest, next;
    reg [COUNT-1:0] held;
    assign out_valid = held != NONE;
    assign out_data = results[oldest];
    always @(posedge clk) begin
        if (done) results[next] <= result;
        if (rst) begin
            oldest <= FIRST;
            next <= FIRST;
            held <= NONE;
        end else begin
            if (done) next <= next == LAST ? FIRST : next + 1'b1;
            if (given) oldest <= oldest == LAST ? FIRST : oldest + 1'b1;
            if (done != given) held <= done ? held + 1'b1 : held - 1'b1;
        end
    end
endmodule
