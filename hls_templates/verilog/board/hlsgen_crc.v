// The checksum of frames with one more byte: CRC-16 of x^16 + x^12 + x^5 + 1, bits reflected, as RFC 1662 has it.
module hlsgen_crc (
    input wire [15:0] crc,
    input wire [7:0] data,
    output reg [15:0] then
);
    integer k;
    always @* begin
        then = crc ^ {8'd0, data};
        for (k = 0; k < 8; k = k + 1) then = {1'b0, then[15:1]} ^ (then[0] ? 16'h8408 : 16'd0);
    end
endmodule
