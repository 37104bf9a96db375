"""The AVTech player: the daemon on the device."""
