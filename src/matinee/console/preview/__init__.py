"""The page preview: any member's page, as of any time, on any release, with the reasons for all of it."""
