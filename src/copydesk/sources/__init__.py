"""Where signals come from: each reads its sender's words into the one Instruction."""
