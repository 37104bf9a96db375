"""Explanations of AVT5xx: what may not stand in a repository."""

from avtech_controller.checks.explanations._explanation import explained

POLICY = (
    explained(
        "AVT502",
        why="Whoever can read the repository has the secret, and Git keeps it even after it is deleted.",
        fix="Take it out and renew it where it was made. Jobs get secrets from their environment.",
        where="Fleet",
        wrong="store: s3://signage:Zk3uV9pQ2xT7mB1n@bucket/live",
        right="store: s3://bucket/live",
    ),
)
