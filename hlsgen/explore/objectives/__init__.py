"""What designs are judged by: of their outputs, of their bits, of what they are expected or measured to cost."""
