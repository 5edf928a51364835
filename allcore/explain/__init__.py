"""What a finished run looks at in a picture: heat maps without gradients, each checked against a model that learned nothing."""
