"""Who computes trials: this process, processes of this machine, or a cluster."""
