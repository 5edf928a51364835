"""From a finished run to answers for new images, with ONNX Runtime alone."""
