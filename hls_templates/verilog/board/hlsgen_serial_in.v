// Receives bytes from a serial line: a start bit (low), eight bits, the lowest first, a stop bit (high).
//
// The line is sampled at each clock. A bit is the majority of three samples around its middle, counted from the edge of
// the start bit; so a pulse that is shorter than half a bit is none, and a sender may be off by 4 % with short wires.
// Behind a stop bit that is low (a break, or another baud rate), the line has to be high before there is a start bit.
module hlsgen_serial_in #(
    parameter [15:0] CLOCKS = 25   // of a bit, 8 at least
) (
    input wire clk,
    input wire rst,
    input wire line,
    output reg [7:0] data,
    output reg given,              // for a clock: data is a byte
    output reg broken              // for a clock: there was no stop bit, and what came is no byte
);
    localparam [15:0] MIDDLE = CLOCKS / 16'd2, LAST = CLOCKS - 16'd1;
    localparam [1:0] BROKEN = 2'd0, RESTS = 2'd1, COMES = 2'd2;

    // the line is of no clock: two registers wait until a sample is settled
    reg [3:0] seen;
    always @(posedge clk) seen <= {seen[2:0], line};
    wire bit_now = (seen[1] && seen[2]) || (seen[2] && seen[3]) || (seen[1] && seen[3]);

    reg [1:0] state;
    reg [15:0] clocks;
    reg [3:0] place;               // 0: the start bit, 9: the stop bit
    always @(posedge clk) begin
        given <= 1'b0;
        broken <= 1'b0;
        clocks <= state == COMES && clocks != LAST ? clocks + 16'd1 : 16'd0;
        if (rst) state <= BROKEN;
        else case (state)
            BROKEN: if (bit_now) state <= RESTS;
            RESTS: begin
                place <= 4'd0;
                if (!seen[1]) state <= COMES;
            end
            default: if (clocks == MIDDLE) begin
                place <= place + 4'd1;
                if (place == 4'd0 && bit_now) state <= RESTS;
                else if (place == 4'd9) begin
                    given <= bit_now;
                    broken <= !bit_now;
                    state <= bit_now ? RESTS : BROKEN;
                end else data <= {bit_now, data[7:1]};
            end
        endcase
    end
endmodule
