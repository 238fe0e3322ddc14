// circuit with AXI4-Stream ports. Words are padded to whole bytes, with zeros above; what comes in padding is
// not read. TLAST is high with the last word of a sample. aresetn is synchronous to aclk.
module circuit_axis (
    (* X_INTERFACE_INFO = "xilinx.com:signal:clock:1.0 aclk CLK" *)
    (* X_INTERFACE_PARAMETER = "ASSOCIATED_BUSIF s_axis:m_axis, ASSOCIATED_RESET aresetn" *)
    input wire aclk,
    (* X_INTERFACE_INFO = "xilinx.com:signal:reset:1.0 aresetn RST" *)
    (* X_INTERFACE_PARAMETER = "POLARITY ACTIVE_LOW" *)
    input wire aresetn,
    // features
    input wire [23:0] s_axis_tdata,
    input wire s_axis_tvalid,
    output wire s_axis_tready,
    // tanh
    output wire [31:0] m_axis_tdata,
    output wire m_axis_tvalid,
    input wire m_axis_tready,
    output wire m_axis_tlast
);
    reg rst;
    always @(posedge aclk) rst <= !aresetn;
    // nothing is taken during the clock by which the reset of the circuit is later
    wire features_taken;
    assign s_axis_tready = features_taken && !rst;
    circuit circuit (
        .clk(aclk), .rst(rst),
        .features_data(s_axis_tdata[19:0]), .features_valid(s_axis_tvalid && !rst), .features_ready(features_taken),
        .tanh_data(m_axis_tdata[31:0]), .tanh_valid(m_axis_tvalid), .tanh_ready(m_axis_tready)
    );
    assign m_axis_tlast = 1'b1;
endmodule
