// Finds frames in the bytes of a line, checks them, and writes what they hold into hlsgen_frame_memory.
//
// A frame is what stands between two flags (7E): kind, tag, payload, CRC-16 with its lower byte first. A 7E or 7D in it
// comes as 7D and the byte ^ 20 (RFC 1662). So each flag is a new beginning, whatever was lost before it. A frame that is
// wrong is forgotten as a whole, and told by a bit of `wrong`. Nothing between two flags is no frame.
module hlsgen_frame_in #(
    parameter [15:0] SAMPLE = 4    // bytes of a sample; the payload of a frame of samples is a whole number of them
) (
    input wire clk,
    input wire rst,
    input wire [7:0] data,
    input wire given,
    input wire broken,             // what would have been a byte is none
    output reg write,
    output reg [8:0] written,      // a byte of kind, tag, payload; bit 8: the last one
    output reg keep,               // with the last one: all that was written since the last frame is one
    output reg drop,               // all that was written since is none
    input wire full,
    output reg [2:0] wrong         // for a clock: 1 bytes or checksum, 2 kind or length, 4 no room
);
    localparam [7:0] FLAG = 8'h7e, ESCAPE = 8'h7d, QUERY = 8'h51, SAMPLES = 8'h53;
    localparam [15:0] GOOD = 16'hf0b8;   // of what was sent together with its checksum

    reg escaped, bad, crowded, any;
    wire [7:0] plain = escaped ? data ^ 8'h20 : data;
    reg [15:0] crc;
    wire [15:0] crc_then;
    hlsgen_crc checksum (.crc(crc), .data(plain), .then(crc_then));

    // the last three bytes: two of them are the checksum, once the flag comes
    reg [23:0] held;
    reg [1:0] count;
    wire [7:0] oldest = held[7:0];

    // which byte of a frame the oldest is
    reg [1:0] place;               // 0: kind, 1: tag, 2: payload
    reg [7:0] kind;
    reg [15:0] of_sample;
    wire ends_query = place == 2'd1 && kind == QUERY;
    wire ends_sample = place == 2'd2 && kind == SAMPLES && of_sample == SAMPLE - 16'd1;
    wire is_intact = !bad && !escaped && count == 2'd3 && crc == GOOD;
    wire is_formed = ends_query || ends_sample;
    wire has_room = !crowded && !full;

    always @(posedge clk) begin
        write <= 1'b0;
        keep <= 1'b0;
        drop <= 1'b0;
        wrong <= 3'd0;
        written <= {1'b0, oldest};
        if (rst || (given && data == FLAG)) begin
            if (!rst && (any || bad)) begin
                write <= is_intact && is_formed && has_room;
                keep <= is_intact && is_formed && has_room;
                drop <= !(is_intact && is_formed && has_room);
                wrong <= !is_intact ? 3'd1 : !is_formed ? 3'd2 : has_room ? 3'd0 : 3'd4;
                written[8] <= 1'b1;
            end
            escaped <= 1'b0;
            bad <= 1'b0;
            crowded <= 1'b0;
            any <= 1'b0;
            count <= 2'd0;
            place <= 2'd0;
            of_sample <= 16'd0;
            crc <= 16'hffff;
        end else if (broken) bad <= 1'b1;
        else if (given) begin
            any <= 1'b1;
            escaped <= data == ESCAPE;
            if (data != ESCAPE) begin
                crc <= crc_then;
                held <= {plain, held[23:8]};
                if (count != 2'd3) count <= count + 2'd1;
                else begin
                    write <= !full && !crowded;
                    if (full) crowded <= 1'b1;
                    if (place == 2'd0) kind <= oldest;
                    if (place != 2'd2) place <= place + 2'd1;
                    else of_sample <= of_sample == SAMPLE - 16'd1 ? 16'd0 : of_sample + 16'd1;
                end
            end
        end
    end
endmodule
