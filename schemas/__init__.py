"""The contract: Avro schemas, the records that mirror them, the codec and the table of topics."""
