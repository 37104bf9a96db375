"""What the variables and files are called that private keys are found by."""

PASSPHRASE_VARIABLE = "AVTECH_KEY_PASSPHRASE"  # noqa: S105  the variable's name, not a secret
PUBLISH_VARIABLE = "AVTECH_PUBLISH_KEY"
HEARTBEAT_VARIABLE = "AVTECH_HEARTBEAT_KEY"
PUBLISH_FILE = "publish.pem"
HEARTBEAT_FILE = "heartbeat.pem"
