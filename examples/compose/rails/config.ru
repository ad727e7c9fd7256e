require "json"
require_relative "library"

run lambda { |env|
  if env["REQUEST_METHOD"] == "POST"
    Library.query("insert into books (title) values ($1)", [env["rack.input"].read])
  end
  books = Library.query("select title, printed from books order by id")
  [200, { "Content-Type" => "application/json" }, [JSON.generate(books)]]
}
