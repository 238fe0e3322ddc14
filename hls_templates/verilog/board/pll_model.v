// A PLL of ECP5 in simulation, where clocks are counted and have no frequency: the clock that comes is the one it makes.
/* verilator lint_off UNUSEDPARAM */
module EHXPLLL #(
    parameter PLLRST_ENA = "", INTFB_WAKE = "", STDBY_ENABLE = "", DPHASE_SOURCE = "", OUTDIVIDER_MUXA = "",
    parameter FEEDBK_PATH = "", CLKOP_ENABLE = "",
    parameter CLKOP_FPHASE = 0, CLKI_DIV = 1, CLKFB_DIV = 1, CLKOP_DIV = 1, CLKOP_CPHASE = 0
) (
    input wire CLKI, input wire CLKFB, output wire CLKOP, output wire LOCK, input wire RST, input wire STDBY,
    input wire PHASESEL0, input wire PHASESEL1, input wire PHASEDIR, input wire PHASESTEP, input wire PHASELOADREG,
    input wire PLLWAKESYNC, input wire ENCLKOP
);
    assign CLKOP = CLKI;
    assign LOCK = 1'b1;
endmodule
/* verilator lint_on UNUSEDPARAM */
