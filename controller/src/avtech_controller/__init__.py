"""AVTech for editors, CI, operators and auditors."""
