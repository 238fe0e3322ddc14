# Packages circuit_axis as an IP for Vivado's catalogue, in the folder ip: vivado -mode batch -source package_ip.tcl
create_project -force package_circuit package_circuit -part xcu250-figd2104-2L-e
add_files [glob rtl/*.v]
add_files -fileset constrs_1 constraints.xdc
set_property USED_IN {out_of_context synthesis implementation} [get_files constraints.xdc]
set_property top circuit_axis [current_fileset]
update_compile_order -fileset sources_1
ipx::package_project -root_dir ip -vendor hlsgen -library hlsgen -taxonomy /UserIP -import_files -force
set core [ipx::current_core]
set_property name circuit $core
set_property display_name circuit $core
ipx::update_checksums $core
ipx::check_integrity $core
ipx::save_core $core
close_project
