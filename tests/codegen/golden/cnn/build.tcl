# cnn: builds the project with Vitis HLS. Written by hlsgen.
#
#   vitis-run --mode hls --tcl build.tcl      (2023.2 and newer)
#   vitis_hls -f build.tcl                    (2022.2 to 2024.x)
#
# What to do is read from the environment variable HLSGEN_STEPS, some of: csim csynth cosim export vsynth
# (cosim, export and vsynth need csynth). Without it, only csynth is run. vsynth: Vivado synthesizes the exported RTL out
# of context. Reports are in cnn_prj/solution1; `hlsgen reports` prints them all.

set steps {csynth}
if {[info exists ::env(HLSGEN_STEPS)]} {
    set steps [split $::env(HLSGEN_STEPS) " "]
}
foreach step $steps {
    if {[lsearch -exact {csim csynth cosim export vsynth} $step] < 0} {
        puts stderr "ERROR: HLSGEN_STEPS: unknown step $step; valid: csim csynth cosim export vsynth"
        exit 1
    }
}

set here [pwd]
if {![file exists [file join $here firmware cnn.cpp]]} {
    set here [file dirname [file normalize [info script]]]
}
set flags "-std=c++14 -I$here/firmware -Wno-unused-label"

# Runs the test bench, which writes tb_data/outputs.dat, and keeps that as `name`, also if the bench finds it wrong.
proc simulate {command here name} {
    set written [file join $here tb_data outputs.dat]
    set kept [file join $here tb_data $name]
    file delete -- $written $kept
    set failed [catch { $command -argv "$here/tb_data" } message]
    if {[file exists $written]} {
        file rename -- $written $kept
    }
    if {$failed} {
        error $message
    }
}

proc build {steps here flags} {
    open_project -reset cnn_prj
    set_top cnn
    add_files [file join $here firmware cnn.cpp] -cflags $flags
    add_files -tb [file join $here cnn_test.cpp] -cflags "$flags -I$here -Wno-unknown-pragmas"
    open_solution -reset solution1 -flow_target vivado
    set_part xcu250-figd2104-2L-e
    create_clock -period 5 -name default
    if {"csim" in $steps} {
        simulate csim_design $here csim_outputs.dat
    }
    if {"csynth" in $steps} {
        csynth_design
    }
    if {"cosim" in $steps} {
        simulate cosim_design $here rtl_outputs.dat
    }
    set vivado [expr {"vsynth" in $steps ? {-flow syn -rtl verilog} : {}}]
    if {"export" in $steps || "vsynth" in $steps} {
        export_design {*}$vivado -format ip_catalog
    }
    close_project
}

if {[catch {build $steps $here $flags} message]} {
    puts stderr "ERROR: $message"
    exit 1
}
exit 0
