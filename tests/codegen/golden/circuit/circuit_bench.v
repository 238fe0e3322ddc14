// Sends the words of tb_data through circuit_axis and compares those that come back with those of the exact
// reference. With gaps and stalls at random; without, if it is started with +free. Run it in the project's folder:
//   $ verilator --binary -Wno-fatal --top-module circuit_bench circuit_bench.v rtl/*.v && obj_dir/Vcircuit_bench
//   $ iverilog -o bench circuit_bench.v rtl/*.v && vvp bench
`timescale 1ns / 1ps
module circuit_bench;
    localparam [31:0] PATIENCE = 100272;

    reg aclk = 1'b0;
    always #2.5 aclk = !aclk;
    reg aresetn = 1'b0;
    reg free;
    initial free = $test$plusargs("free");
    integer seed = 1;
    reg [31:0] clocks = 0;
    always @(posedge aclk) begin
        clocks <= clocks + 1;
        if (clocks == 8) aresetn <= 1'b1;
    end

    // features
    reg [19:0] x0 [0:9];
    initial $readmemh("tb_data/features.hex", x0);
    reg [23:0] x0_tdata;
    reg x0_tvalid = 1'b0;
    wire x0_tready;
    reg [31:0] x0_sent = 0;
    wire x0_takes = x0_tvalid && x0_tready;
    wire [31:0] x0_next = x0_takes ? x0_sent + 1 : x0_sent;
    always @(posedge aclk) begin
        x0_sent <= x0_next;
        if (clocks > 16 && (x0_takes || !x0_tvalid)) begin
            x0_tvalid <= x0_next < 10 && (free || $random(seed) % 3 != 0);
            if (x0_next < 10) x0_tdata <= x0[x0_next];
        end
    end

    // tanh
    reg [31:0] y0 [0:9];
    initial $readmemh("tb_data/tanh.hex", y0);
    wire [31:0] y0_tdata;
    wire y0_tvalid, y0_tlast;
    reg y0_tready = 1'b0;
    reg [31:0] y0_given = 0, y0_wrong = 0;
    wire y0_last = (y0_given + 1) % 1 == 0;
    always @(posedge aclk) begin
        y0_tready <= clocks > 16 && (free || $random(seed) % 3 != 0);
        if (y0_tvalid && y0_tready) begin
            y0_given <= y0_given + 1;
            if (y0_tdata[31:0] !== y0[y0_given] || y0_tlast !== y0_last) begin
                y0_wrong <= y0_wrong + 1;
                if (y0_wrong < 10)
                    $display("tanh, word %0d: %h, expected %h; tlast %b", y0_given, y0_tdata, y0[y0_given], y0_tlast);
            end
        end
    end

    circuit_axis circuit (
        .aclk(aclk), .aresetn(aresetn),
        .s_axis_tdata(x0_tdata), .s_axis_tvalid(x0_tvalid), .s_axis_tready(x0_tready),
        .m_axis_tdata(y0_tdata), .m_axis_tvalid(y0_tvalid), .m_axis_tready(y0_tready), .m_axis_tlast(y0_tlast)
    );

    wire [31:0] given = y0_given;
    wire [31:0] wrong = y0_wrong;
    wire all_given = given == 10;
    always @(posedge aclk) begin
        if (all_given || clocks == PATIENCE) begin
            if (all_given && wrong == 0) $display("PASS: %0d words, %0d clocks", given, clocks);
            else $display("FAIL: %0d of %0d words, %0d wrong, %0d clocks", given, 10, wrong, clocks);
            $finish;
        end
    end
endmodule
