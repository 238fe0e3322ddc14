// One element of circuit_tanh; 2 clocks.
module circuit_tanh__element (
    input wire clk,
    input wire [4:0] x,
    output wire [15:0] y
);
    // clock 0
    wire signed [4:0] x0 = x[4:0];
    wire [4:0] index = x0[4:0];
    // clock 1
    wire signed [15:0] word;
    circuit_tanh__element__word0 word_rom (.clk(clk), .address(index), .word(word));
    // clock 2
    reg signed [15:0] word__2;
    always @(posedge clk) begin
        word__2 <= word;
    end

    assign y = {
        word__2
    };
endmodule
