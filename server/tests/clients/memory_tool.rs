//! Anthropic's memory tool: every documented answer, and the files behind it.

use crate::server::Server;
use serde_json::{Value, json};

fn run(server: &Server, command: &Value) -> (String, bool) {
    let answer = server.ask("POST", "/v1/memory-tool", Some(command));
    assert_eq!(answer.status, 200, "{command}: {answer:?}");
    (answer.body["content"].as_str().unwrap().to_owned(), answer.body["is_error"].as_bool().unwrap())
}

#[test]
fn commands_answer_as_the_documentation_says() {
    let server = Server::start();
    let long = "Here're the files and directories up to 2 levels deep in /memories, excluding hidden items and node_modules:\n";
    let none = "The path /memories/none does not exist. Please provide a valid path.";
    let steps = [
        (json!({"command": "view", "path": "/memories"}), format!("{long}0B\t/memories"), false),
        (json!({"command": "view", "path": "/memories/none"}), none.to_owned(), true),
        (json!({"command": "create", "path": "/memories/a.txt", "file_text": "one\ntwo\nthree\n"}), "File created successfully at: /memories/a.txt".to_owned(), false),
        (json!({"command": "create", "path": "/memories/a.txt", "file_text": ""}), "Error: File /memories/a.txt already exists".to_owned(), true),
        (json!({"command": "create", "path": "/memories/d/e/f.txt", "file_text": "x".repeat(1536)}), "File created successfully at: /memories/d/e/f.txt".to_owned(), false),
        (json!({"command": "create", "path": "/memories/.hidden", "file_text": "x"}), "File created successfully at: /memories/.hidden".to_owned(), false),
        (json!({"command": "view", "path": "/memories"}), format!("{long}1.5K\t/memories\n14B\t/memories/a.txt\n1.5K\t/memories/d/\n1.5K\t/memories/d/e/"), false),
        (json!({"command": "view", "path": "/memories/d"}), format!("{}1.5K\t/memories/d\n1.5K\t/memories/d/e/\n1.5K\t/memories/d/e/f.txt", long.replace("in /memories,", "in /memories/d,")), false),
        (json!({"command": "view", "path": "/memories/a.txt"}), "Here's the content of /memories/a.txt with line numbers:\n     1\tone\n     2\ttwo\n     3\tthree\n     4\t".to_owned(), false),
        (json!({"command": "view", "path": "/memories/a.txt", "view_range": [2, 3]}), "Here's the content of /memories/a.txt with line numbers:\n     2\ttwo\n     3\tthree".to_owned(), false),
        (json!({"command": "view", "path": "/memories/a.txt", "view_range": [3, -1]}), "Here's the content of /memories/a.txt with line numbers:\n     3\tthree\n     4\t".to_owned(), false),
        (json!({"command": "str_replace", "path": "/memories/a.txt", "old_str": "two", "new_str": "2\n2.5"}), "The memory file has been edited. Here is the snippet showing the change (with line numbers):\n     1\tone\n     2\t2\n     3\t2.5\n     4\tthree".to_owned(), false),
        (json!({"command": "str_replace", "path": "/memories/a.txt", "old_str": "two", "new_str": ""}), "No replacement was performed, old_str `two` did not appear verbatim in /memories/a.txt.".to_owned(), true),
        (json!({"command": "str_replace", "path": "/memories/a.txt", "old_str": "2", "new_str": ""}), "No replacement was performed. Multiple occurrences of old_str `2` in lines: 2, 3. Please ensure it is unique".to_owned(), true),
        (json!({"command": "str_replace", "path": "/memories/none", "old_str": "x", "new_str": ""}), format!("Error: {none}"), true),
        (json!({"command": "str_replace", "path": "/memories/d", "old_str": "x", "new_str": ""}), format!("Error: {}", none.replace("none", "d")), true),
        (json!({"command": "insert", "path": "/memories/a.txt", "insert_line": 0, "insert_text": "zero\n"}), "The file /memories/a.txt has been edited.".to_owned(), false),
        (json!({"command": "insert", "path": "/memories/a.txt", "insert_line": 9, "insert_text": "x"}), "Error: Invalid `insert_line` parameter: 9. It should be within the range of lines of the file: [0, 5]".to_owned(), true),
        (json!({"command": "insert", "path": "/memories/none", "insert_line": 0, "insert_text": "x"}), "Error: The path /memories/none does not exist".to_owned(), true),
        (json!({"command": "view", "path": "/memories/a.txt"}), "Here's the content of /memories/a.txt with line numbers:\n     1\tzero\n     2\tone\n     3\t2\n     4\t2.5\n     5\tthree\n     6\t".to_owned(), false),
        (json!({"command": "rename", "old_path": "/memories/a.txt", "new_path": "/memories/d/e/f.txt"}), "Error: The destination /memories/d/e/f.txt already exists".to_owned(), true),
        (json!({"command": "rename", "old_path": "/memories/none", "new_path": "/memories/b"}), "Error: The path /memories/none does not exist".to_owned(), true),
        (json!({"command": "rename", "old_path": "/memories/d", "new_path": "/memories/g"}), "Successfully renamed /memories/d to /memories/g".to_owned(), false),
        (json!({"command": "view", "path": "/memories/d/e/f.txt"}), none.replace("none", "d/e/f.txt"), true),
        (json!({"command": "delete", "path": "/memories/g"}), "Successfully deleted /memories/g".to_owned(), false),
        (json!({"command": "delete", "path": "/memories/g"}), "Error: The path /memories/g does not exist".to_owned(), true),
        (json!({"command": "delete", "path": "/memories"}), "Error: Cannot delete the /memories directory itself".to_owned(), true),
        (json!({"command": "view", "path": "/memories"}), format!("{long}21B\t/memories\n21B\t/memories/a.txt"), false),
    ];
    for (command, content, is_error) in steps {
        assert_eq!(run(&server, &command), (content, is_error), "{command}");
    }
}

#[test]
fn no_path_leads_out_of_the_folder_and_nothing_is_a_file_and_a_folder() {
    let server = Server::start();
    let create = |path: &str| run(&server, &json!({"command": "create", "path": path, "file_text": "x"}));
    for path in [
        "/etc/passwd",
        "/memoriesx",
        "memories/a",
        "",
        "/memories/../a",
        "/memories/a/./b",
        "/memories/..",
        "/memories/a\u{0}b",
    ] {
        assert!(create(path).1, "{path:?}");
    }
    assert!(!create("/memories/a").1);
    assert!(create("/memories/a/b").1, "a file is no folder");
    assert!(!create("/memories/c/d").1);
    assert!(create("/memories/c").1, "a folder is no file");
    assert!(!create("/memories/%2e%2e/x").1, "only a name");
    assert!(create(&format!("/memories/{}", "x".repeat(401))).1);
    assert!(create(&format!("/memories{}", "/x".repeat(21))).1);
    assert!(run(&server, &json!({"command": "rename", "old_path": "/memories/c", "new_path": "/memories/c/e"})).1);
    let large = json!({"command": "create", "path": "/memories/large", "file_text": "x".repeat(102_401)});
    assert!(run(&server, &large).1);
    assert_eq!(
        server.ask("POST", "/v1/memory-tool", Some(&json!({"command": "chmod", "path": "/memories/a"}))).status,
        422
    );
}

#[test]
fn a_file_is_changed_only_if_it_has_the_expected_content() {
    let server = Server::start();
    let put = |body: &Value| server.ask("PUT", "/v1/files/notes/today.md", Some(body));
    let sha = |content: &str| json!({"type": "content_sha256", "content_sha256": server::memory_tool::files::sha256(content)});
    let made = put(&json!({"content": "one"}));
    assert_eq!((made.status, &made.body["path"]), (201, &json!("/memories/notes/today.md")));
    assert_eq!(made.body["content_sha256"], "7692c3ad3540bb803c020b3aee66cd8887123234ea0c6e7143c0add73ff431ed");
    assert_eq!(put(&json!({"content": "two", "precondition": sha("other")})).status, 409);
    assert_eq!(put(&json!({"content": "two", "precondition": sha("one")})).status, 200);
    assert_eq!(put(&json!({"content": "two", "precondition": sha("one")})).status, 200, "it says so already");
    assert_eq!(put(&json!({"content": "three", "precondition": sha("one")})).status, 409);
    let shown = server.ask("GET", "/v1/files/notes/today.md", None);
    assert_eq!((shown.status, &shown.body["content"]), (200, &json!("two")));
    let listed = server.ask("GET", "/v1/files?path_prefix=notes/", None);
    assert_eq!((listed.body["data"].as_array().unwrap().len(), listed.body["data"][0].get("content")), (1, None));
    let wrong = format!("/v1/files/notes/today.md?expected_content_sha256={}", "0".repeat(64));
    assert_eq!(server.ask("DELETE", &wrong, None).status, 409);
    let right = made.body["content_sha256"].as_str().unwrap();
    assert_eq!(
        server.ask("DELETE", &format!("/v1/files/notes/today.md?expected_content_sha256={right}"), None).status,
        409
    );
    assert_eq!(server.ask("DELETE", "/v1/files/notes/today.md", None).status, 204);
    assert_eq!(server.ask("GET", "/v1/files/notes/today.md", None).status, 404);
    assert_eq!(server.ask("GET", "/v1/files/notes/%2E%2E/x", None).status, 400);
}

#[test]
fn of_two_who_make_a_file_at_once_one_does() {
    let server = Server::start();
    let make = |n: u8| json!({"command": "create", "path": "/memories/one", "file_text": n.to_string()});
    let commands: Vec<Value> = (0..8).map(make).collect();
    let server = &server;
    let failed: Vec<bool> = std::thread::scope(|scope| {
        let all: Vec<_> = commands.iter().map(|command| scope.spawn(move || run(server, command).1)).collect();
        all.into_iter().map(|one| one.join().unwrap()).collect()
    });
    let made = failed.iter().filter(|failed| !**failed).count();
    assert_eq!(made, 1);
}
