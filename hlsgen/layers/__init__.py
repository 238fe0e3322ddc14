"""The layers: what each one means, in exact arithmetic. No framework, no C++."""
