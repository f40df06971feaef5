"""Where a running period will end, and whether the chances it states come true."""
