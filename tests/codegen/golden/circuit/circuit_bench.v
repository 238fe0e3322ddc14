// Sends 10 words through circuit_axis and compares the 10 that come back with those of the exact
// reference. With gaps and stalls at random; without, if it is started with +free. Run it in the project's folder:
//   $ verilator --binary -Wno-fatal --top-module circuit_bench circuit_bench.v rtl/*.v && obj_dir/Vcircuit_bench
//   $ iverilog -o bench circuit_bench.v rtl/*.v && vvp bench
`timescale 1ns / 1ps
module circuit_bench;
    localparam [31:0] WORDS_IN = 10, WORDS_OUT = 10, OF_A_SAMPLE = 1;
    localparam [31:0] PATIENCE = 100160;

    reg aclk = 1'b0;
    always #2.5 aclk = !aclk;
    reg aresetn = 1'b0;
    reg [19:0] x [0:WORDS_IN-1];
    reg [31:0] y [0:WORDS_OUT-1];
    reg free;
    initial begin
        $readmemh("tb_data/x.hex", x);
        $readmemh("tb_data/y.hex", y);
        free = $test$plusargs("free");
    end

    reg [23:0] s_tdata;
    reg s_tvalid = 1'b0, m_tready = 1'b0;
    wire s_tready, m_tvalid, m_tlast;
    wire [31:0] m_tdata;
    circuit_axis circuit (
        .aclk(aclk), .aresetn(aresetn),
        .s_axis_tdata(s_tdata), .s_axis_tvalid(s_tvalid), .s_axis_tready(s_tready),
        .m_axis_tdata(m_tdata), .m_axis_tvalid(m_tvalid), .m_axis_tready(m_tready), .m_axis_tlast(m_tlast)
    );

    integer seed = 1;
    reg [31:0] clocks = 0, sent = 0, given = 0, wrong = 0;
    wire takes = s_tvalid && s_tready;
    wire [31:0] next = takes ? sent + 1 : sent;
    wire last = (given + 1) % OF_A_SAMPLE == 0;
    always @(posedge aclk) begin
        clocks <= clocks + 1;
        if (clocks == 8) aresetn <= 1'b1;
        sent <= next;
        if (clocks > 16) begin
            if (takes || !s_tvalid) begin
                s_tvalid <= next < WORDS_IN && (free || $random(seed) % 3 != 0);
                if (next < WORDS_IN) s_tdata <= x[next];
            end
            m_tready <= free || $random(seed) % 3 != 0;
            if (m_tvalid && m_tready) begin
                given <= given + 1;
                if (m_tdata[31:0] !== y[given] || m_tlast !== last) begin
                    wrong <= wrong + 1;
                    if (wrong < 10) $display("word %0d: %h, expected %h; tlast %b", given, m_tdata, y[given], m_tlast);
                end
            end
        end
        if (given == WORDS_OUT || clocks == PATIENCE) begin
            if (given == WORDS_OUT && wrong == 0) $display("PASS: %0d words, %0d clocks", given, clocks);
            else $display("FAIL: %0d of %0d words, %0d wrong, %0d clocks", given, WORDS_OUT, wrong, clocks);
            $finish;
        end
    end
endmodule
