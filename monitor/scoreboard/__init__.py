"""From judgement to what others read: the scoreboard and one file per shape."""
