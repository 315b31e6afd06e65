"""The report of a task: events, read into what every view needs; Markdown, HTML and PDF made of that."""
