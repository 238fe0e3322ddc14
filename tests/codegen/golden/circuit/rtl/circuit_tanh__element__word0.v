// A table of 32 words; read within a clock.
module circuit_tanh__element__word0 (
    input wire clk,
    input wire [4:0] address,
    output reg [15:0] word
);
    // verilator no_inline_module
    reg [15:0] words [0:31];
    always @(posedge clk) word <= words[address];
    initial begin
        words[0] = 16'h0;
        words[1] = 16'hfeb;
        words[2] = 16'h1f59;
        words[3] = 16'h2ddf;
        words[4] = 16'h3b27;
        words[5] = 16'h46fd;
        words[6] = 16'h514d;
        words[7] = 16'h5a1a;
        words[8] = 16'h617c;
        words[9] = 16'h6797;
        words[10] = 16'h6c95;
        words[11] = 16'h709e;
        words[12] = 16'h73dc;
        words[13] = 16'h7672;
        words[14] = 16'h787f;
        words[15] = 16'h7a1e;
        words[16] = 16'h849b;
        words[17] = 16'h85e2;
        words[18] = 16'h8781;
        words[19] = 16'h898e;
        words[20] = 16'h8c24;
        words[21] = 16'h8f62;
        words[22] = 16'h936b;
        words[23] = 16'h9869;
        words[24] = 16'h9e84;
        words[25] = 16'ha5e6;
        words[26] = 16'haeb3;
        words[27] = 16'hb903;
        words[28] = 16'hc4d9;
        words[29] = 16'hd221;
        words[30] = 16'he0a7;
        words[31] = 16'hf015;
    end
endmodule
