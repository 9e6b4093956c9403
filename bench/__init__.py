"""Measurements that write the tables the book prints."""
