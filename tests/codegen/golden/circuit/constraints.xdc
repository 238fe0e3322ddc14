# The clock for which circuit was pipelined: 5 ns.
create_clock -period 5 -name aclk [get_ports aclk]
