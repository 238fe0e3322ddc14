// Holds frames until the network takes them: a FIFO that gives only what was kept, and can forget what was not.
module hlsgen_frame_memory #(
    parameter INDEX = 11           // it has 2**INDEX places
) (
    input wire clk,
    input wire rst,
    input wire write,
    input wire [8:0] data,
    input wire keep,
    input wire drop,
    output wire full,
    output reg out_valid,
    input wire out_ready,
    output reg [8:0] out_data
);
    reg [8:0] memory [0:(1<<INDEX)-1];
    // numbers of bytes since the beginning; one bit more than a place has tells full from empty
    reg [INDEX:0] written, kept, taken;
    wire [INDEX:0] written_then = write ? written + 1'b1 : written;
    wire [INDEX:0] free = taken ^ {1'b1, {INDEX{1'b0}}};
    assign full = written == free;
    wire take = taken != kept && (!out_valid || out_ready);
    always @(posedge clk) begin
        if (write) memory[written[INDEX-1:0]] <= data;
        if (take) out_data <= memory[taken[INDEX-1:0]];
        if (rst) begin
            written <= {(INDEX+1){1'b0}};
            kept <= {(INDEX+1){1'b0}};
            taken <= {(INDEX+1){1'b0}};
            out_valid <= 1'b0;
        end else begin
            written <= drop ? kept : written_then;
            if (keep) kept <= written_then;
            if (take) taken <= taken + 1'b1;
            if (take || out_ready) out_valid <= take;
        end
    end
endmodule
