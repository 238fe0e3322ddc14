// Puts bytes into frames, as hlsgen_frame_in reads them: flag, bytes, checksum, flag.
module hlsgen_frame_out (
    input wire clk,
    input wire rst,
    input wire [7:0] data,
    input wire last,               // of a frame
    input wire valid,
    output wire ready,
    output wire [7:0] out_data,
    output wire out_valid,
    input wire out_ready
);
    localparam [7:0] FLAG = 8'h7e, ESCAPE = 8'h7d;
    localparam [2:0] OPENS = 3'd0, BYTES = 3'd1, LOW = 3'd2, HIGH = 3'd3, CLOSES = 3'd4;

    reg [2:0] state;
    reg escaped;                   // the escape was sent, and its byte is to come
    reg [15:0] crc;
    wire [15:0] crc_then;
    hlsgen_crc checksum (.crc(crc), .data(data), .then(crc_then));

    wire is_flag = state == OPENS || state == CLOSES;
    wire [7:0] plain = state == BYTES ? data : ~(state == LOW ? crc[7:0] : crc[15:8]);
    wire escapes = !is_flag && !escaped && (plain == FLAG || plain == ESCAPE);
    assign out_valid = valid || (state != OPENS && state != BYTES);
    assign out_data = is_flag ? FLAG : escapes ? ESCAPE : escaped ? plain ^ 8'h20 : plain;
    wire sent = out_valid && out_ready;
    assign ready = state == BYTES && out_ready && !escapes;
    always @(posedge clk) begin
        if (rst) begin
            state <= OPENS;
            escaped <= 1'b0;
        end else if (sent) begin
            escaped <= escapes;
            if (!escapes) case (state)
                OPENS: state <= BYTES;
                BYTES: if (last) state <= LOW;
                LOW: state <= HIGH;
                HIGH: state <= CLOSES;
                default: state <= OPENS;
            endcase
        end
        if (state == OPENS) crc <= 16'hffff;
        else if (valid && ready) crc <= crc_then;
    end
endmodule
