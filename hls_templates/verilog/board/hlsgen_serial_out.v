// Sends bytes on a serial line, as hlsgen_serial_in receives them. While hold is high, none is begun.
module hlsgen_serial_out #(
    parameter [15:0] CLOCKS = 25   // of a bit
) (
    input wire clk,
    input wire rst,
    input wire [7:0] data,
    input wire valid,
    output wire ready,
    input wire hold,
    output reg line
);
    reg [15:0] clocks;
    reg [3:0] left;                // bits that are under way or to come
    reg [8:0] bits;                // those that are to come, the next one lowest
    assign ready = left == 4'd0 && !hold;
    always @(posedge clk) begin
        clocks <= left == 4'd0 || clocks == CLOCKS - 16'd1 ? 16'd0 : clocks + 16'd1;
        if (rst) begin
            left <= 4'd0;
            line <= 1'b1;
        end else if (left == 4'd0) begin
            if (valid && ready) begin
                left <= 4'd10;
                line <= 1'b0;
                bits <= {1'b1, data};
            end
        end else if (clocks == CLOCKS - 16'd1) begin
            left <= left - 4'd1;
            line <= bits[0];
            bits <= {1'b1, bits[8:1]};
        end
    end
endmodule
