// One element of circuit_folded; 1 clocks.
module circuit_folded__element (
    input wire clk,
    input wire [7:0] x,
    output wire [7:0] y
);
    // clock 0
    wire [7:0] x0 = x[7:0];
    // clock 1
    reg [7:0] x0__1;
    always @(posedge clk) begin
        x0__1 <= x0;
    end

    assign y = {
        x0__1
    };
endmodule
