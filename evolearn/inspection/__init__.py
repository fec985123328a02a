"""What evolution wrote: from DNA to numbers, a section each. Data goes to `inspection.json`, never to a picture."""
