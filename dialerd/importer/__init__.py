"""Lists of people from files: text, table, phone column, numbers, and what was refused."""
