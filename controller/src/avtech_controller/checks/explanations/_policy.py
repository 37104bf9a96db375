"""Explanations of AVT5xx: settings of the Fleet, and what may not stand in a repository."""

from avtech_controller.checks.explanations._explanation import explained

POLICY = (
    explained(
        "AVT501",
        why="The setting is understood, but this version does not act on it: do not rely on it yet.",
        fix="Take it out, or leave it for a later version.",
        where="Fleet",
        wrong="retention: {days: 30}",
        right="limits: {removedPercent: 10}",
    ),
    explained(
        "AVT502",
        why="Whoever can read the repository has the secret, and Git keeps it even after it is deleted.",
        fix="Take it out and renew it where it was made. Jobs get secrets from their environment.",
        where="Fleet",
        wrong="store: s3://signage:Zk3uV9pQ2xT7mB1n@bucket/live",
        right="store: s3://bucket/live",
    ),
)
