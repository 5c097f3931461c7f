"""What a page, a ping and a completion cost, beside a bare Flask view: see README.md."""
