"""The contract all of AVTech shares. Pure: no network, clock or git."""
