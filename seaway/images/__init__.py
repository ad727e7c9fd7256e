"""The input of an image build: the filtered context, its hash, its staged copy, and the reason for a rebuild."""
