"""Where people are told: one adapter over Apprise, which knows Telegram, e-mail, Discord and many more."""
