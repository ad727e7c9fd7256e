"""What goes into an image: the filtered build context, its hash, its staged copy, and why it is built again."""
