require "pg"

module Library
  def self.query(text, values = [])
    connection = PG.connect(ENV.fetch("DATABASE_URL"))
    connection.exec_params(text, values).to_a
  ensure
    connection&.close
  end
end
