// circuit: the whole network as one circuit. Written by hlsgen 0.1.0.
//
// A word passes where valid and ready are both high at a rising edge of clk; valid stays until then. rst is synchronous.
// features: 4 x fixed<5,3,RND,SAT>
// tanh: 2 x fixed<16,1>
// latency 14 clocks, interval 2
module circuit (
    input wire clk,
    input wire rst,
    input wire [19:0] features_data,
    input wire features_valid,
    output wire features_ready,
    output wire [31:0] tanh_data,
    output wire tanh_valid,
    input wire tanh_ready
);
    // latency 14, interval 2
    wire folded_dense__done;
    wire [23:0] folded_dense__y;
    wire folded__done;
    wire [23:0] folded__y;
    wire unrolled__done;
    wire [9:0] unrolled__y;
    wire tanh__done;
    wire [31:0] tanh__y;
    wire folded_dense__start;
    hlsgen_flow #(
        .WIDTH(32), .DEPTH(8), .INTERVAL(2),
        .INDEX(3), .COUNT(4), .WAIT(1)
    ) folded_dense__flow (
        .clk(clk), .rst(rst),
        .in_valid(features_valid), .in_ready(features_ready), .start(folded_dense__start),
        .done(tanh__done), .result(tanh__y),
        .out_valid(tanh_valid), .out_ready(tanh_ready), .out_data(tanh_data)
    );
    circuit_folded_dense folded_dense__core (
        .clk(clk), .rst(rst),
        .start(folded_dense__start), .x(features_data),
        .done(folded_dense__done), .y(folded_dense__y)
    );
    circuit_folded folded__core (
        .clk(clk), .rst(rst),
        .start(folded_dense__done), .x(folded_dense__y),
        .done(folded__done), .y(folded__y)
    );
    circuit_unrolled unrolled__core (
        .clk(clk), .rst(rst),
        .start(folded__done), .x(folded__y),
        .done(unrolled__done), .y(unrolled__y)
    );
    circuit_tanh tanh__core (
        .clk(clk), .rst(rst),
        .start(unrolled__done), .x(unrolled__y),
        .done(tanh__done), .y(tanh__y)
    );

endmodule
