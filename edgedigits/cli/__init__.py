"""The command line: one file per verb. A verb parses, calls one function of the library and says what to print."""
