"""Arguments and help of the commands, a module a group. They import click alone; the work is done elsewhere."""
